# Make calls go and the scripts of contrib; it has no logic of its own.
#
#   make            build the tools into bin/
#   make test       run all tests (installs the Debian packages that they need)
#   make lab        bring up a cluster of hosts on this machine, and leave it running
#   make lab-walk   do the lab's steps on it, and check each
#   make lab-down   end it and leave nothing behind
#   make bench      compare pgrouter with PgBouncer, Pgpool-II and a direct connection
#   make fuzz       fuzz every decoder for FUZZTIME each
#   make sim        simulate election and failover under SEEDS random faults each
#   make check      what takes seconds: format, vet, build
#   make tidy       bring go.mod and go.sum up to date
#   make install    into DESTDIR and PREFIX
#   make clean

tools    := pcpd pgpromote pgrecover pgrouter pgvip pgwatch
# What the one program pcp is installed as besides.
pcps     := $(addprefix pcp_,attach_node detach_node health_check_stats invalidate_query_cache log_rotate node_count node_info pool_status \
	proc_count proc_info promote_node recovery_node reload_config stop_pgpool watchdog_info)
modules  := common contrib/pgpool pcpd pgrouter pgpromote pgrecover pgvip pgwatch
PREFIX   ?= /usr/local
FUZZTIME ?= 30s
SEEDS    ?= 10000

all: $(tools:%=bin/%) bin/pcp bin/pgpool

bin/%: FORCE
	CGO_ENABLED=0 go build -trimpath -o $@ ./$*

bin/pcp: FORCE
	CGO_ENABLED=0 go build -trimpath -o $@ ./pcpd/cmd/pcp
	@for p in $(pcps); do ln -sf pcp bin/$$p; done

bin/pgpool: FORCE
	CGO_ENABLED=0 go build -trimpath -o $@ ./contrib/pgpool

check: all
	@test -z "$$(gofmt -l $(modules))" || { echo "gofmt would change:"; gofmt -l $(modules); exit 1; }
	go vet work

test: check
	contrib/deps test
	$(if $(filter 0,$(shell id -u)),PGCREW_REQUIRE_NETNS=1) PGCREW_REQUIRE_POSTGRES=1 PGCREW_REQUIRE_DRIVERS=1 go test -count=1 -timeout 20m work
	$(MAKE) --no-print-directory sim
	$(MAKE) --no-print-directory fuzz FUZZTIME=3000x

sim:
	PGCREW_SEEDS=$(SEEDS) go test -count=1 -timeout 30m -run 'TestSimulation|TestSeeds|TestHalf' ./pgwatch/internal/failover ./pgwatch/internal/authority/sim

fuzz:
	contrib/fuzz $(FUZZTIME)

# The SQL grammar of the oracle is C and takes minutes to compile, so it is a module of its own.
oracle:
	cd pgrouter/oracle && GOWORK=off go test -timeout 30m ./...

lab: all
	contrib/deps lab
	contrib/lab/lab up

lab-down:
	contrib/lab/lab down

lab-walk:
	contrib/lab/lab walk

bench: all
	contrib/deps bench
	contrib/bench/bench

tidy:
	for m in $(filter-out common,$(modules)); do (cd $$m && go mod edit -replace=github.com/pgcrew/pgcrew/common=$(CURDIR)/common && \
		GOWORK=off go mod tidy; go mod edit -dropreplace=github.com/pgcrew/pgcrew/common); done
	cd common && GOWORK=off go mod tidy

install: all install-units
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man8
	install -m 755 $(tools:%=bin/%) bin/pcp $(DESTDIR)$(PREFIX)/bin
# Not into bin: there may be a pgpool of Pgpool-II.
	install -d $(DESTDIR)$(PREFIX)/lib/pgcrew
	install -m 755 bin/pgpool $(DESTDIR)$(PREFIX)/lib/pgcrew
	install -m 644 contrib/pgpool/pgpool.8 $(DESTDIR)$(PREFIX)/lib/pgcrew
	install -m 644 pcpd/cmd/pcp/pcp.1 $(DESTDIR)$(PREFIX)/share/man/man1
	for p in $(pcps); do ln -sf pcp $(DESTDIR)$(PREFIX)/bin/$$p && ln -sf pcp.1 $(DESTDIR)$(PREFIX)/share/man/man1/$$p.1 || exit; done
	install -m 644 $(tools:%=%/*.8) $(DESTDIR)$(PREFIX)/share/man/man8

units := $(foreach t,$(tools),$(wildcard $t/*.service $t/*.socket))
# systemd wants whole paths: those of PREFIX take the place of /usr/local, which the files have.
install-units:
	for f in $(foreach u,$(units),$u:lib/systemd/system) contrib/pgpool/pgpool2.service.d/pgcrew.conf:lib/pgcrew/pgpool2.service.d \
		pgrecover/50-pgcrew.rules:share/polkit-1/rules.d; do \
		from=$${f%:*}; to=$(DESTDIR)$(PREFIX)/$${f#*:}/$${from##*/}; \
		sed 's|=/usr/local/|=$(PREFIX)/|' $$from | install -D -m 644 /dev/stdin $$to || exit; done

clean:
	rm -rf bin

.PHONY: all check test sim fuzz oracle lab lab-down lab-walk bench tidy install install-units clean FORCE
