package client

import (
	"fmt"

	"github.com/pgcrew/pgcrew/pcpd/internal/frame"
)

// A Parameter is one line of the configuration or the state of the server.
type Parameter struct{ Name, Value, Description string }

// PoolStatus are all parameters.
func (c *Conn) PoolStatus() ([]Parameter, error) {
	if err := c.send(frame.PoolStatus, nil); err != nil {
		return nil, err
	}
	var all []Parameter
	_, err := c.items('b', frame.StatusItem, func(texts []string) error {
		if len(texts) != 3 {
			return fmt.Errorf("read the answer: a parameter with %d texts, not 3", len(texts))
		}
		all = append(all, Parameter{texts[0], texts[1], texts[2]})
		return nil
	})
	return all, err
}
