"""The pages: Jinja2 templates, HTMX for the parts that change, an event stream that only says "look again"."""
