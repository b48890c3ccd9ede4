"""What a store on a web server is made of; `../http.py` puts it together."""
