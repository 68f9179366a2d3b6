"""What is only for those who have another library, too: `understudy.contrib.pydantic`."""
