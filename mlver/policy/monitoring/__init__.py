"""What watches versions in use: documents for Prometheus, Alertmanager, Grafana and Argo. Pure."""
