// Package control is how one program of the crew asks another: a request and an answer, each one JSON
// object on one line, over a Unix socket.
//
// A server listens with Listen, a client asks with Call. The file mode of the socket says who may
// connect, and each request comes with the kernel's word on who sent it.
package control
