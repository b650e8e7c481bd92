package config

import (
	"errors"
	"regexp/syntax"
	"strconv"
	"strings"
)

// A Redirect is one entry of a ..._redirect_preference_list.
type Redirect struct {
	Pattern string  // a regular expression for the whole name
	Node    string  // primary, standby, or the number of a server
	Weight  float64 // share of the sessions for which it holds, 0 to 1
}

// Redirects returns the entries of one of the ..._redirect_preference_list parameters.
func (c *Config) Redirects(name string) []Redirect {
	words := c.get(name, -1, Redirects).words
	all := make([]Redirect, len(words))
	for i, word := range words {
		all[i], _ = redirect(word) // it was checked when it was read
	}
	return all
}

var errRedirect = errors.New("not pattern:node(weight)")

// redirect reads pattern:node or pattern:node(weight).
func redirect(word string) (Redirect, error) {
	at := strings.LastIndexByte(word, ':')
	if at <= 0 {
		return Redirect{}, errRedirect
	}
	r := Redirect{Pattern: strings.TrimSpace(word[:at]), Node: strings.TrimSpace(word[at+1:]), Weight: 1}
	if _, err := syntax.Parse(r.Pattern, syntax.Perl); err != nil {
		return Redirect{}, err
	}
	if open := strings.IndexByte(r.Node, '('); open >= 0 {
		text, closed := strings.CutSuffix(r.Node[open+1:], ")")
		weight, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if !closed || err != nil || !(weight >= 0 && weight <= 1) {
			return Redirect{}, errRedirect
		}
		r.Node, r.Weight = strings.TrimSpace(r.Node[:open]), weight
	}
	r.Node = strings.ToLower(r.Node)
	if r.Node == "primary" || r.Node == "standby" {
		return r, nil
	}
	id, err := strconv.Atoi(r.Node)
	if err != nil || id < 0 || id > MaxNode || strconv.Itoa(id) != r.Node {
		return Redirect{}, errRedirect
	}
	return r, nil
}
