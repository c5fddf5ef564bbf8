"""Jobs that outlive the process: a queue, its events and results in the library's database."""
