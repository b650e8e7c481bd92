package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/pgcrew/pgcrew/common/clilog"
	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/control"
	"github.com/pgcrew/pgcrew/common/tool"
	"github.com/pgcrew/pgcrew/contrib/pgpool/internal/crew"
	"github.com/pgcrew/pgcrew/contrib/pgpool/internal/logs"
	"github.com/pgcrew/pgcrew/contrib/pgpool/internal/pidfile"
)

// startLimit is how long a start waits until every part serves. A part that needs longer, as for a host that is not up
// yet, goes on with what it does.
const startLimit = 10 * time.Second

// startCmd starts the crew.
type startCmd struct{}

// Run starts the crew in this process, or in one of its own that has left the terminal.
func (startCmd) Run(ctx context.Context, t *tool.Tool, c *cli) error {
	if !c.DontDetach && c.ReadyFD == 0 {
		return detach(ctx, t)
	}
	return serve(t, c)
}

// A supervisor is a pgpool that runs.
type supervisor struct {
	tool    *tool.Tool
	config  *config.Config // of the start
	crew    *crew.Crew
	logs    *logs.Log
	log     *slog.Logger
	started time.Time
	orders  chan crew.Mode
	ended   chan struct{} // closed when nobody takes orders any more
	reading sync.Mutex    // one reload at a time
}

// serve runs the crew until it is told to end.
func serve(t *tool.Tool, flags *cli) error {
	signals := make(chan os.Signal, 8)
	// The reader of standard error may go: without this, that would end the process, and all parts with it.
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP, syscall.SIGPIPE)
	defer signal.Stop(signals)
	c, err := t.Config()
	if err != nil {
		return err
	}
	programs, err := wanted(c)
	if err != nil {
		return err
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	pid, err := pidfile.Create(pidPath(c))
	if err != nil {
		return err
	}
	defer pid.Remove()
	s := &supervisor{tool: t, config: c, started: time.Now(), orders: make(chan crew.Mode), ended: make(chan struct{})}
	if err := s.openLog(flags); err != nil {
		return err
	}
	defer s.logs.Close()
	s.crew = &crew.Crew{Log: s.log, Drain: s.drain}
	s.addParts(programs, environment(c, flags, t.Environ))
	server, err := control.Listen(filepath.Join(tool.RunDirectory(c), socketName), 0o660)
	if err != nil {
		return fmt.Errorf("%w (run_directory is where the control sockets of one crew are)", err)
	}
	return s.run(server, signals, flags.ReadyFD)
}

// openLog prepares for log lines.
func (s *supervisor) openLog(flags *cli) (err error) {
	settings := logs.Read(s.config)
	if s.logs, err = logs.Open(settings, s.tool.Err, time.Now); err != nil {
		return err
	}
	var level slog.Level
	level.UnmarshalText([]byte(flags.LogLevel)) // the flag's values are all levels
	s.log, err = clilog.New(s.logs.Writer(logs.Source{Tool: "pgpool", PID: os.Getpid()}), flags.LogFormat, level)
	if err == nil && flags.ReadyFD > 0 && !settings.Collector && !settings.Syslog {
		s.log.Warn("log lines go nowhere once pgpool has left the terminal", "hint", "set logging_collector = on, or log_destination = 'syslog'")
	}
	return err
}

// run runs everything until the crew has ended.
func (s *supervisor) run(server *control.Server, signals <-chan os.Signal, readyFD int) error {
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := server.Serve(ctx, s.handle); err != nil {
			s.log.Error("the control socket is closed", "err", err)
		}
	})
	wg.Go(func() { s.obey(ctx, signals) })
	wg.Go(func() { s.tellReady(ctx, readyFD) })
	s.log.Info("pgpool starts the crew", "version", tool.Version(), "config", s.config.Path())
	err := s.crew.Run(s.orders)
	daemon.SdNotify(false, daemon.SdNotifyStopping)
	close(s.ended)
	stop()
	wg.Wait()
	s.log.Info("pgpool has stopped")
	return err
}

// modes are the signals that end the crew.
var modes = map[os.Signal]crew.Mode{syscall.SIGTERM: crew.Smart, syscall.SIGINT: crew.Fast, syscall.SIGQUIT: crew.Immediate}

// obey does what signals say.
func (s *supervisor) obey(ctx context.Context, signals <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case sig := <-signals:
			mode, ends := modes[sig]
			switch {
			case ends:
				s.order(mode)
			case sig == syscall.SIGHUP:
				s.reload() // it logs its error
			}
		}
	}
}

// order tells the crew to end.
func (s *supervisor) order(mode crew.Mode) {
	select {
	case s.orders <- mode:
	case <-s.ended:
	}
}

// tellReady tells whoever waits for the start that every part serves, or tries to.
func (s *supervisor) tellReady(ctx context.Context, fd int) {
	limited, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if !s.crew.Ready(limited) || ctx.Err() != nil {
		return
	}
	for _, p := range s.crew.States() {
		if !p.Ready {
			s.log.Warn("a part does not serve yet", "part", p.Name)
		}
	}
	s.logs.Started()
	daemon.SdNotify(false, daemon.SdNotifyReady)
	if fd > 0 {
		if err := leave(fd); err != nil {
			s.log.Error("the terminal is not left", "err", err)
		}
	}
}

// reload makes the parts read their files again, unless the configuration has a mistake.
func (s *supervisor) reload() error {
	s.reading.Lock()
	defer s.reading.Unlock()
	c, err := s.tool.Config()
	if err == nil {
		err = s.logs.Reload(logs.Read(c))
	}
	if err != nil {
		clilog.NotReloaded(s.log, err)
		return err
	}
	s.log.Info("reloading", "config", c.Path())
	s.crew.Reload()
	return nil
}

// drain tells pgrouter to end.
func (s *supervisor) drain(ctx context.Context, mode crew.Mode) error {
	return tool.Ask(ctx, s.config, "pgrouter.sock", "stop", stopArgs{mode.String()}, nil)
}
