package render

import "github.com/pgcrew/pgcrew/pcpd/internal/client"

// Status prints parameters.
func (p *Printer) Status(all []client.Parameter) error {
	if p.JSON {
		t := table{columns: []column{{"", "item", false}, {"", "value", false}, {"", "description", false}}}
		for _, x := range all {
			t.rows = append(t.rows, []string{x.Name, x.Value, x.Description})
		}
		return p.table(t)
	}
	for i, x := range all {
		var err error
		if p.Verbose {
			err = p.printf("Name [%3d]:\t%s\nValue:      \t%s\nDescription:\t%s\n\n", i, x.Name, x.Value, x.Description)
		} else {
			err = p.printf("name : %s\nvalue: %s\ndesc : %s\n\n", x.Name, x.Value, x.Description)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
