"""The web application under load: a folder of 10,000 rules and 100 zones, 200 people, pages, answers of the API, and acts."""
