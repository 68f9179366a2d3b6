"""Stand-alone activities, as `understudy.client` shows them."""
