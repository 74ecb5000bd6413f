/* Applies the stored theme before the first paint. */
try {
  const theme = localStorage.getItem("nsqadmin.theme");
  if (theme === '"light"' || theme === '"dark"') document.documentElement.dataset.theme = JSON.parse(theme);
} catch {}
