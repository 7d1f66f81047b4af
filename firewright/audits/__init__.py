"""Policy to diagnostics: one file an audit."""
