"""The service: jobs over HTTP, a page for people, and what operators need."""
