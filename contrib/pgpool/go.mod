module github.com/pgcrew/pgcrew/contrib/pgpool

go 1.26.0

require github.com/pgcrew/pgcrew/common v0.1.0

require (
	github.com/alecthomas/kong v1.17.0 // indirect
	github.com/kelseyhightower/envconfig v1.4.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)
