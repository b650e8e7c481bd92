module github.com/pgcrew/pgcrew/pcpd

go 1.26.0

require (
	github.com/coreos/go-systemd/v22 v22.7.0
	github.com/pgcrew/pgcrew/common v0.1.0
	go.uber.org/goleak v1.3.0
	golang.org/x/sys v0.49.0
)

require (
	github.com/alecthomas/kong v1.17.0
	github.com/kelseyhightower/envconfig v1.4.0 // indirect
	github.com/rogpeppe/go-internal v1.16.0 // indirect
	golang.org/x/term v0.47.0
	golang.org/x/tools v0.51.0
)
