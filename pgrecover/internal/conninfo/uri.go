package conninfo

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// parseURI reads what follows the scheme of a connection URI: [user[:password]@][host[:port][,...]][/dbname][?key=value&...].
func parseURI(s string) (c Conninfo, err error) {
	add := func(key, value string) {
		plain, e := url.PathUnescape(value)
		if e == nil && strings.IndexByte(key+plain, 0) >= 0 {
			e = errors.New("there is a zero byte in it")
		}
		if e != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", key, e))
			return
		}
		c = append(c, Pair{key, plain})
	}
	s, params, _ := strings.Cut(s, "?")
	authority, database, _ := strings.Cut(s, "/")
	if at := strings.IndexByte(authority, '@'); at >= 0 {
		user, password, ok := strings.Cut(authority[:at], ":")
		authority = authority[at+1:]
		if user != "" {
			add("user", user)
		}
		if ok && password != "" {
			add("password", password)
		}
	}
	hosts, ports, e := splitHosts(authority)
	if e != nil {
		return nil, e
	}
	if strings.Trim(hosts, ",") != "" {
		add("host", hosts)
	}
	if strings.Trim(ports, ",") != "" {
		add("port", ports)
	}
	if database != "" {
		add("dbname", database)
	}
	for p := range strings.SplitSeq(params, "&") {
		key, value, ok := strings.Cut(p, "=")
		switch {
		case p == "":
		case !ok || key == "" || strings.ContainsAny(key, space+"%'\\"):
			return nil, fmt.Errorf("the parameter %.40q is not of the form keyword=value", p)
		case key == "ssl" && value == "true": // of JDBC; libpq takes it too
			add("sslmode", "require")
		default:
			add(key, value)
		}
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// splitHosts reads host[:port][,...], with IPv6 addresses in brackets, as libpq's lists of hosts and ports.
func splitHosts(s string) (hosts, ports string, err error) {
	var h, p []string
	for one := range strings.SplitSeq(s, ",") {
		if rest, ok := strings.CutPrefix(one, "["); ok {
			address, port, ok := strings.Cut(rest, "]")
			if !ok || port != "" && port[0] != ':' {
				return "", "", fmt.Errorf("the address %.60q is not of the form [address]:port", one)
			}
			h, p = append(h, address), append(p, strings.TrimPrefix(port, ":"))
			continue
		}
		host, port, _ := strings.Cut(one, ":")
		h, p = append(h, host), append(p, port)
	}
	return strings.Join(h, ","), strings.Join(p, ","), nil
}
