// Use the theme chosen on Locust's own pages, else the system's; set before the page is drawn.
if (["light", "dark"].includes(localStorage.theme)) document.documentElement.dataset.theme = localStorage.theme;
