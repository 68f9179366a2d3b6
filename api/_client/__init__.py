"""Inside of `understudy.client`: the connection, starts, handles, what goes through interceptors."""
