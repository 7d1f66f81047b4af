"""Pictures of a policy: what they say, where it stands on the page, and how it is written down."""
