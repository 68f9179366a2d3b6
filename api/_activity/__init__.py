"""Inside of `understudy.activity`: definitions, and calls of activities in workflows."""
