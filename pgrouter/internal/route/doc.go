// Package route decides which server may answer a statement.
//
// Five parts, each usable alone. The Classifier reads a statement's text and says what kind it is and whether a standby
// may answer it; it has a lexer with the server's own rules and an allow-list instead of a grammar, so that no
// statement can crash it or make it slow. The Memory knows the verdicts of texts that come again and again. The Catalog
// holds the names a standby must not be asked about, read from a database. The Session remembers what earlier statements
// did (transactions, writes, temporary tables). The Balancer picks one of the nodes that may read.
//
// What is not proved to be a pure read goes to the primary.
package route
