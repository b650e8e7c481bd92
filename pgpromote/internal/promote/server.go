package promote

import "github.com/pgcrew/pgcrew/common/backend"

// A Server is a backend that may be promoted.
type Server struct{ backend.Server }
