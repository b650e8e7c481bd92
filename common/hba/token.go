package hba

import "strings"

// separators are the characters between words. A comma is not one of them: it joins a list.
const separators = " \t\r\f\v"

// split takes a line apart into columns, and a column into the words of its comma-separated list.
// A # outside quotes ends the line. Two quotes inside quotes stand for one.
// Whitespace behind a comma belongs to the list, as in PostgreSQL.
func split(line string) (columns [][]Name, unclosed bool) {
	var column []Name
	comma := false
	for {
		line = strings.TrimLeft(line, separators)
		if line == "" || line[0] == '#' {
			if column != nil {
				columns = append(columns, column)
			}
			return columns, false
		}
		if line[0] == ',' {
			line, comma = line[1:], true
			continue
		}
		if column != nil && !comma {
			columns = append(columns, column)
			column = nil
		}
		var word Name
		word, line, unclosed = next(line)
		if unclosed {
			return nil, true
		}
		column, comma = append(column, word), false
	}
}

// next reads one word, which ends at a separator, a comma or a comment outside quotes.
func next(line string) (word Name, rest string, unclosed bool) {
	var text strings.Builder
	inside := false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c == '"' && inside && i+1 < len(line) && line[i+1] == '"':
			text.WriteByte('"')
			i++
		case c == '"':
			inside = !inside
			word.Quoted = true
		case !inside && (c == ',' || c == '#' || strings.IndexByte(separators, c) >= 0):
			word.Text = text.String()
			return word, line[i:], false
		default:
			text.WriteByte(c)
		}
	}
	word.Text = text.String()
	return word, "", inside
}
