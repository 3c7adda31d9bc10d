import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import { applyTheme } from "./app/theme";
import { beginEarly } from "./api/early";
import { BLOCK } from "./grid/cache";
import "./styles/base.css";
import "./styles/parts.css";
import "./styles/shell.css";
import "./styles/grid.css";
import "./styles/screens.css";

beginEarly(`limit=${BLOCK}`);
applyTheme();
const root = document.getElementById("root");
if (root) createRoot(root).render(<StrictMode><App /></StrictMode>);
