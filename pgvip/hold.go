package main

import (
	"context"
	"io"
	"net/netip"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/control"
	"github.com/pgcrew/pgcrew/common/event"
	"github.com/pgcrew/pgcrew/common/tool"
	"github.com/pgcrew/pgcrew/pgvip/internal/address"
	"github.com/pgcrew/pgcrew/pgvip/internal/follow"
	"github.com/pgcrew/pgcrew/pgvip/internal/hold"
	"github.com/pgcrew/pgcrew/pgvip/internal/keeper"
	"github.com/pgcrew/pgcrew/pgvip/internal/taker"
)

// watchSocket is the file name of pgwatch's socket.
const watchSocket = "pgwatch.sock"

// holdCmd follows events.
type holdCmd struct {
	device
	Socket  bool   `help:"Follow pgwatch's socket in run_directory. This is the default when standard input is a terminal or /dev/null."`
	Follow  string `help:"Whom the addresses follow: leader, the node that leads as with Pgpool-II, or primary, the node of the primary server [${env}]." env:"PGVIP_FOLLOW" enum:"leader,primary" default:"leader"`
	Exec    string `help:"Run \"CMD up|down ADDR DEV\" to move an address, as for clouds, instead of touching this host's network [${env}]." env:"PGVIP_EXEC" placeholder:"CMD"`
	Patient bool   `help:"Leave an address to another host that still answers for it until the lease of an old holder is over; otherwise it is taken at once [${env}]." env:"PGVIP_PATIENT"`
}

// Run holds the addresses until ctx or the input ends. However it ends, it gives them up.
func (h holdCmd) Run(ctx context.Context, t *tool.Tool) error {
	c, err := t.Config()
	if err != nil {
		return err
	}
	for _, w := range c.Warnings() {
		t.Log.Warn(w.String())
	}
	addresses, err := h.configured(c)
	if err != nil {
		return err
	}
	if h.Exec == "" {
		if err := find(addresses); err != nil {
			return err
		}
	}
	boot, err := event.BootID()
	if err != nil {
		return err
	}
	// A reader of our reports that goes away is no reason to give the address up: the write says so instead.
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE)
	defer signal.Stop(pipe)

	socket := h.Socket || noInput(t.In)
	reports := newReporter(t, c, boot, socket)
	defer reports.close()
	var k *keeper.Keeper
	k = keeper.New(keeper.Config{
		Tracker: hold.NewTracker(hold.Config{Boot: boot, Follow: hold.Follow(h.Follow), Ours: oneOf(addresses)}),
		Patient: h.Patient,
		Clock:   event.SystemClock,
		Log:     t.Log,
		Report:  func(d event.Payload) { cluster, node := k.Self(); reports.report(d, cluster, node) },
		Ready:   func() { daemon.SdNotify(false, daemon.SdNotifyReady+"\nSTATUS=no address is held") },
		Socket:  socket,
	})
	for _, a := range addresses {
		k.Add(a, h.taker(a, c, k, t))
	}
	beside, stop := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	defer func() { stop(); wait.Wait() }()
	if h.Exec == "" {
		wait.Go(func() {
			if err := address.Links(beside, k.LinkUp); err != nil {
				t.Log.Warn("links are not watched: a link that comes back is announced within 10 s only", "err", err)
			}
		})
	}
	server, err := serve(c, k, h.Follow, socket, t.Log)
	if err != nil {
		t.Log.Warn("pgvip status will not see this pgvip", "err", err)
	} else {
		defer server.Close()
	}

	t.Log.Info("pgvip holds", "version", tool.Version(), "addresses", words(addresses), "follow", h.Follow, "socket", socket, "config", c.Path())
	err = k.Run(ctx, h.items(beside, socket, c, t))
	daemon.SdNotify(false, daemon.SdNotifyStopping)
	t.Log.Info("pgvip has stopped")
	return err
}

// items is where events come from.
func (h holdCmd) items(ctx context.Context, socket bool, c *config.Config, t *tool.Tool) <-chan follow.Item {
	if !socket {
		return follow.Reader(t.In)
	}
	return follow.Socket(ctx, func(ctx context.Context) (stream io.ReadCloser, err error) {
		err = tool.Find(c, watchSocket, func(path string) (err error) {
			stream, err = control.Follow(ctx, path, "follow", nil)
			return err
		})
		return stream, err
	}, t.Log)
}

// taker is how an address is taken.
func (h holdCmd) taker(a address.Address, c *config.Config, k *keeper.Keeper, t *tool.Tool) func(heard func(string)) keeper.Taker {
	return func(heard func(string)) keeper.Taker {
		if h.Exec != "" {
			return &taker.Program{Text: h.Exec, Address: a, Node: k.Self}
		}
		return taker.NewKernel(a, taker.ReadCommands(c, a.IP), heard, t.Log)
	}
}

// noInput says whether nobody writes events to standard input: it is a terminal, or /dev/null as under systemd.
func noInput(in io.Reader) bool {
	f, ok := in.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err != nil || info.Mode()&os.ModeCharDevice != 0
}

// oneOf returns a function that says whether a list of addresses in an event has one of ours in it. An event without
// an address means all.
func oneOf(addresses []address.Address) func(list string) bool {
	return func(list string) bool {
		return list == "" || slices.ContainsFunc(strings.Split(list, ","), func(word string) bool {
			text, _, _ := strings.Cut(strings.TrimSpace(word), "%")
			ip, err := netip.ParseAddr(text)
			return err == nil && slices.ContainsFunc(addresses, func(a address.Address) bool { return a.IP == ip.Unmap() })
		})
	}
}

func words(addresses []address.Address) string {
	var all []string
	for _, a := range addresses {
		text := a.String()
		if a.Dev != "" {
			text += "%" + a.Dev
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}
