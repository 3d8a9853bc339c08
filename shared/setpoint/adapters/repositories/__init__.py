"""Repositories at GitHub and GitLab, over their REST APIs."""
