"""What the stages measure, as files."""
