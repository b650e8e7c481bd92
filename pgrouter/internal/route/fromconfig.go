package route

import (
	"fmt"
	"regexp"

	"github.com/pgcrew/pgcrew/common/config"
)

// FromConfig takes the classifier's settings from a configuration. An error names the parameter and the pattern in it.
func FromConfig(c *config.Config) (Settings, error) {
	s := Settings{
		AllowSQLComments:   c.Bool("allow_sql_comments"),
		IgnoreLeadingSpace: c.Bool("ignore_leading_white_space"),
	}
	temp := c.Enum("check_temp_table")
	s.Catalog.CheckTemp = temp != "none" && temp != "off"
	s.Catalog.CheckUnlogged = c.Bool("check_unlogged_table")
	for name, list := range map[string]*[]*regexp.Regexp{
		"primary_routing_query_pattern_list": &s.PrimaryPatterns,
		"read_only_function_list":            &s.Catalog.ReadOnlyFunctions,
		"write_function_list":                &s.Catalog.WriteFunctions,
	} {
		var err error
		if *list, err = patterns(c, name); err != nil {
			return Settings{}, err
		}
	}
	return s, nil
}

// patterns compiles a list as Pgpool-II does: each for the whole text, without regard to case.
func patterns(c *config.Config, name string) ([]*regexp.Regexp, error) {
	var list []*regexp.Regexp
	for _, text := range c.List(name) {
		p, err := compile(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %q: %w", name, text, err)
		}
		list = append(list, p)
	}
	return list, nil
}

func compile(text string) (*regexp.Regexp, error) { return regexp.Compile(`(?is)^(?:` + text + `)$`) }

// PolicyFromConfig takes the sessions' policy from a configuration.
func PolicyFromConfig(c *config.Config) *Policy {
	p := &Policy{Stickiness: Sticky(c.Enum("disable_load_balance_on_write"))}
	if p.Stickiness == DMLAdaptive {
		p.Related = related(c.List("dml_adaptive_object_relationship_list"))
	}
	return p
}
