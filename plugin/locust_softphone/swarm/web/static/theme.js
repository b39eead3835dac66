// Light or dark as chosen in Locust's own pages, or else as the system is; before anything is drawn.
if (["light", "dark"].includes(localStorage.theme)) document.documentElement.dataset.theme = localStorage.theme;
