"""Inside of `understudy.workflow`, which gathers it: what workflow code is written with."""
