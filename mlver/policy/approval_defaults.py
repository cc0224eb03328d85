"""What a rule asks of approvals where it does not say it."""

# Nobody approves their own work.
NOT_BY_DEFAULT = ("author", "promoter")
