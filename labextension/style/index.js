import './panel.css';
import './rows.css';
import './parts.css';
import './status.css';
import './pages.css';
import './dialogs.css';
import './log.css';
import './contrast.css';
