package main

import (
	"testing"

	"github.com/pgcrew/pgcrew/common/tooltest"
)

func TestMain(m *testing.M) { tooltest.Main(m, "pgwatch", main) }

func TestScripts(t *testing.T) { tooltest.Scripts(t) }
