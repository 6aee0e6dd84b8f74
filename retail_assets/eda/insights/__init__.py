"""What the sales show in sentences computed from them, each with its numbers and its test; `page` puts them together.

No sentence is there by default: where the data cannot tell, the page says what is not known and why.
"""
