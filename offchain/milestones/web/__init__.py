"""`milestones serve`: an HTTP API and pages for people with a wallet in the browser.

Everything is done by services: here is who may ask, how it is asked, and how it is answered.
"""
