import java.io.StringReader;
import java.io.StringWriter;
import java.sql.*;
import java.util.Properties;
import org.postgresql.PGConnection;

/** What JDBC does: statements it prepares on the server after five uses, fetch sizes, batches, COPY, cancel. */
public class Jdbc {
    static void check(boolean ok, String what) {
        if (!ok) throw new AssertionError(what);
    }

    static Connection open() throws SQLException {
        Properties p = new Properties();
        p.setProperty("user", System.getenv("PGUSER"));
        p.setProperty("password", System.getenv("PGPASSWORD"));
        p.setProperty("sslmode", "disable");
        return DriverManager.getConnection(
            "jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/postgres", p);
    }

    static String one(Statement s, String sql) throws SQLException {
        try (ResultSet r = s.executeQuery(sql)) {
            r.next();
            return r.getString(1);
        }
    }

    public static void main(String[] args) throws Exception {
        Connection c = open();
        Statement s = c.createStatement();
        System.out.println("read on " + one(s, "SELECT node()"));
        try (PreparedStatement p = c.prepareStatement("SELECT name FROM items WHERE id = ?")) {
            for (int i = 1; i <= 50; i++) {
                p.setInt(1, i);
                try (ResultSet r = p.executeQuery()) {
                    check(r.next() && r.getString(1).equals("item " + i), "prepared read " + i);
                }
            }
        }
        s.execute("DROP TABLE IF EXISTS e2e_jdbc");
        s.execute("CREATE TABLE e2e_jdbc (id serial, name text, b bytea)");
        c.setAutoCommit(false);
        try (PreparedStatement p = c.prepareStatement("INSERT INTO e2e_jdbc (name, b) VALUES (?, ?)",
                                                      Statement.RETURN_GENERATED_KEYS)) {
            for (int i = 0; i < 1000; i++) {
                p.setString(1, "n" + i);
                p.setBytes(2, new byte[100]);
                p.addBatch();
            }
            check(p.executeBatch().length == 1000, "batch");
        }
        System.out.println("wrote on " + one(s, "SELECT node()"));
        try (PreparedStatement p = c.prepareStatement("SELECT id, name FROM e2e_jdbc ORDER BY id")) {
            p.setFetchSize(10);
            int n = 0;
            try (ResultSet r = p.executeQuery()) {
                while (r.next()) n++;
            }
            check(n == 1000, "portal with a row limit: " + n);
        }
        Savepoint here = c.setSavepoint();
        try {
            s.executeQuery("SELECT 1/0");
            check(false, "no error");
        } catch (SQLException e) {
            check("22012".equals(e.getSQLState()), e.toString());
        }
        c.rollback(here);
        check(one(s, "SELECT count(*) FROM e2e_jdbc").equals("1000"), "after the savepoint");
        c.commit();
        c.setAutoCommit(true);

        c.setAutoCommit(false); // so that it reads its own writes
        var copy = c.unwrap(PGConnection.class).getCopyAPI();
        check(copy.copyIn("COPY e2e_jdbc (name) FROM STDIN", new StringReader("a\nb\nc\n")) == 3, "copy in");
        StringWriter w = new StringWriter();
        check(copy.copyOut("COPY e2e_jdbc (name) TO STDOUT", w) == 1003, "copy out");
        c.commit();
        c.setAutoCommit(true);

        c.setReadOnly(true);
        check(one(s, "SELECT count(*) FROM e2e_jdbc").length() > 0, "read only");
        c.setReadOnly(false);
        try (ResultSet r = c.getMetaData().getColumns(null, "public", "e2e_jdbc", null)) {
            int n = 0;
            while (r.next()) n++;
            check(n == 3, "metadata: " + n);
        }
        s.setQueryTimeout(1);
        try {
            s.execute("SELECT pg_sleep(47)");
            check(false, "not cancelled");
        } catch (SQLException e) {
            check("57014".equals(e.getSQLState()), e.toString());
        }
        s.setQueryTimeout(0);
        s.execute("DROP TABLE e2e_jdbc");
        c.close();
        System.out.println("ok");
    }
}
