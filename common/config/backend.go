package config

import (
	"slices"
	"strconv"
)

// A Backend is one PostgreSQL server of the configuration.
type Backend struct {
	ID              int
	Host            string  // a name, an address, or the folder of a Unix socket when it begins with /
	Port            int     //
	Weight          float64 // share of the reads; all together 1, or all 0 when nobody is to be read from
	DataDirectory   string  //
	Flags           Flag    //
	ApplicationName string  // of its connection to the primary when it is a standby, or ""
}

// Flag is what backend_flag says.
type Flag struct {
	AllowToFailover bool // it may be detached
	AlwaysPrimary   bool // it is taken for the primary without asking
}

// defaultSocketFolder stands for an empty backend_hostname, as in Debian's Pgpool-II.
const defaultSocketFolder = "/var/run/postgresql"

// Backends returns the servers that are configured, in the order of their numbers. As in Pgpool-II
// those are the ones that have a port.
func (c *Config) Backends() []Backend {
	var all []Backend
	total := 0.0
	for id := 0; id <= MaxNode; id++ {
		if !c.hasServer(id) {
			continue
		}
		flags := c.ListAt("backend_flag", id)
		b := Backend{
			ID:            id,
			Host:          c.StringAt("backend_hostname", id),
			Port:          c.IntAt("backend_port", id),
			Weight:        c.FloatAt("backend_weight", id),
			DataDirectory: c.StringAt("backend_data_directory", id),
			Flags: Flag{
				AllowToFailover: !slices.Contains(flags, "DISALLOW_TO_FAILOVER"),
				AlwaysPrimary:   slices.Contains(flags, "ALWAYS_PRIMARY"),
			},
			ApplicationName: c.StringAt("backend_application_name", id),
		}
		if b.Host == "" {
			b.Host = defaultSocketFolder
		}
		total += b.Weight
		all = append(all, b)
	}
	for i := range all {
		if total > 0 {
			all[i].Weight /= total
		}
	}
	return all
}

// hasServer tells whether there is a server of that number.
func (c *Config) hasServer(id int) bool { return c.IntAt("backend_port", id) != 0 }

// KeepServers gives the servers that old has, too, the address that they have there: it changes at a restart only (see
// Restart). A reload calls it before anybody else reads c.
func (c *Config) KeepServers(old *Config) {
	for id := 0; id <= MaxNode; id++ {
		if !old.hasServer(id) || !c.hasServer(id) {
			continue
		}
		for i := range table {
			if p := &table[i]; p.Context == OnAdd {
				c.copyValue(key{p.Name, id}, old)
			}
		}
	}
}

// String returns "1 (db2.example:5432)".
func (b Backend) String() string {
	return strconv.Itoa(b.ID) + " (" + b.Host + ":" + strconv.Itoa(b.Port) + ")"
}
