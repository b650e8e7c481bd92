// Package e2e tests pcpd as its users meet it: with real servers, the real pgwatch and pgrouter, and Pgpool-II's own pcp_
// programs, against what these print when Pgpool-II itself is asked. The recordings of that are in testdata of the module;
// testdata/record makes them anew.
package e2e
