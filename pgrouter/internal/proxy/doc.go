// Package proxy puts the layers together: it accepts clients, lets them in (auth), hands them to an event loop
// (loop), runs their conversations (conversation) over pooled server connections (pool), and follows the cluster.
//
// Ordinary goroutines do what may block: accepting, logging in, dialing, cancelling, answering SHOW POOL_*. All
// else happens on the goroutine of the loop to which a session belongs; the two meet in Loop.Post.
package proxy
