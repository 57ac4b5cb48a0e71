"""Who may use this house: accounts, what proves who they are, and what they may do."""
