// Package e2e tests whole crews: pgwatch with pgpromote, pgrecover and pgrouter as their users start them, and real servers.
package e2e
