package client

import (
	"fmt"
	"strconv"

	"github.com/pgcrew/pgcrew/pcpd/internal/frame"
)

// HealthFields is the number of texts that HealthCheckStats returns.
const HealthFields = 20

// HealthCheckStats are the columns of SHOW POOL_HEALTH_CHECK_STATS for one node.
func (c *Conn) HealthCheckStats(id int) ([]string, error) {
	if err := c.sendTexts(frame.HealthCheckStats, strconv.Itoa(id)); err != nil {
		return nil, err
	}
	texts, err := c.complete('h')
	if err == nil && len(texts) != HealthFields {
		err = fmt.Errorf("read the answer: health check statistics with %d fields, not %d", len(texts), HealthFields)
	}
	return texts, err
}
