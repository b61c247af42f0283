"""What is made from the documentation: the site (`make docs`) and the pictures of the front page (`make pictures`)."""
