package render

var healthColumns = []column{
	{"Node Id", "node_id", true},
	{"Host Name", "hostname", false},
	{"Port", "port", true},
	{"Status", "status", false},
	{"Role", "role", false},
	{"Last Status Change", "last_status_change", false},
	{"Total Count", "total_count", true},
	{"Success Count", "success_count", true},
	{"Fail Count", "fail_count", true},
	{"Skip Count", "skip_count", true},
	{"Retry Count", "retry_count", true},
	{"Average Retry Count", "average_retry_count", true},
	{"Max Retry Count", "max_retry_count", true},
	{"Max Health Check Duration", "max_duration", true},
	{"Minimum Health Check Duration", "min_duration", true},
	{"Average Health Check Duration", "average_duration", true},
	{"Last Health Check", "last_health_check", false},
	{"Last Successful Health Check", "last_successful_health_check", false},
	{"Last Skip Health Check", "last_skip_health_check", false},
	{"Last Failed Health Check", "last_failed_health_check", false},
}

// Health prints the health check statistics of a node: client.HealthFields texts.
func (p *Printer) Health(stats []string) error {
	return p.table(table{columns: healthColumns, rows: [][]string{stats}})
}
