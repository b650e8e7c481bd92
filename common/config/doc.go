// Package config reads pgpool.conf and holds the one table of all its parameters.
//
// Every pgcrew tool reads the same file and takes what concerns it. The syntax, names, units and
// defaults are Pgpool-II's; what Pgpool-II lacks has a name in the same style. Params returns
// the table, from which the checks, SHOW POOL_STATUS and the sample file are made.
//
// A Config is filled by one goroutine and then only read; Clone it before Set when others read it.
package config
