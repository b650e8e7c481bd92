package route

// Catalog is an immutable snapshot of one database's names: which of them a standby must not be asked about.
type Catalog struct{}
