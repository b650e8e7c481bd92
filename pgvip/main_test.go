package main

import (
	"testing"

	"github.com/pgcrew/pgcrew/common/tooltest"
)

func TestMain(m *testing.M) { tooltest.Main(m, "pgvip", main) }

func TestScripts(t *testing.T) { tooltest.Scripts(t) }

func TestManPage(t *testing.T) { tooltest.Man(t, "pgvip", "PGVIP", new(cli)) }

func TestUnits(t *testing.T) { tooltest.Units(t, "pgvip") }
