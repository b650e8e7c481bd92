// Pgpool starts and stops the crew of one host with Pgpool-II's options, from one pgpool.conf.
package main

func main() {}
