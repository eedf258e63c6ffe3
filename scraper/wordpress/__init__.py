"""What WordPress sends, understood: addresses of its REST API, posts, pictures. Pure; asks for nothing."""
