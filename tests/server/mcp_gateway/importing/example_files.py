"""Configuration files as AI clients have them, one of each."""

from __future__ import annotations

GITHUB_TOKEN = "ghp_0123456789abcdefghijABCDEFGHIJ012345"

CLAUDE_DESKTOP = """{
  "globalShortcut": "Ctrl+Space",
  "mcpServers": {
    "filesystem": {
      "command": "npx",
      "args": ["-y", "@modelcontextprotocol/server-filesystem@2025.8.21", "/home/maja/Documents"]
    },
    "GitHub": {
      "command": "docker",
      "args": ["run", "-i", "--rm", "-e", "GITHUB_PERSONAL_ACCESS_TOKEN", "ghcr.io/github/github-mcp-server"],
      "env": { "GITHUB_PERSONAL_ACCESS_TOKEN": "THE TOKEN" }
    },
    "gridbear": { "command": "/usr/bin/gridbear", "args": ["mcp", "--data-dir", "/home/maja/bear"] }
  }
}
""".replace("THE TOKEN", GITHUB_TOKEN)

CLAUDE_CODE = """{
  "numStartups": 12,
  "mcpServers": {
    "linear": { "type": "http", "url": "https://mcp.linear.app/mcp" },
    "notes": {
      "type": "stdio", "command": "uvx", "args": ["mcp-notes"],
      "env": { "NOTES_DIR": "${HOME}/notes", "NOTES_KEY": "${NOTES_KEY}", "MODE": "${NOTES_MODE:-quiet}" }
    }
  },
  "projects": {
    "/home/maja/shop": {
      "mcpServers": {
        "linear": { "type": "sse", "url": "https://shop.example/sse", "headers": { "X-Api-Key": "abc" } }
      },
      "history": []
    }
  }
}
"""

CURSOR = """{
  // my servers
  "mcpServers": {
    "Brave Search": {
      "command": "npx",
      "args": ["-y", "@modelcontextprotocol/server-brave-search"],
      "env": { "BRAVE_API_KEY": "BSAbrave-value" },
    },
    "remote": { "url": "https://example.com/mcp", "headers": { "Authorization": "Bearer remote-token-value" } },
  }
}
"""

VS_CODE = """{
  "inputs": [
    { "type": "promptString", "id": "perplexity-key", "description": "Perplexity API Key", "password": true },
    { "type": "promptString", "id": "folder", "description": "Folder to serve" },
    { "type": "pickString", "id": "level", "options": ["info", "debug"], "default": "info" }
  ],
  "servers": {
    "perplexity": {
      "type": "stdio", "command": "npx", "args": ["-y", "server-perplexity-ask@0.1.3"],
      "env": { "PERPLEXITY_API_KEY": "${input:perplexity-key}", "LOG_LEVEL": "${input:level}", "UNSET": null }
    },
    "folder": { "command": "npx", "args": ["-y", "@modelcontextprotocol/server-filesystem", "${input:folder}"] },
    "github": { "type": "http", "url": "https://api.githubcopilot.com/mcp/" }, // signs in by itself
    "project": { "command": "node", "args": ["${workspaceFolder}/server.js"], "dev": { "watch": "**/*.js" } }
  }
}
"""

CODEX = """model = "gpt-5"

[mcp_servers.context7]
command = "npx"
args = ["-y", "@upstash/context7-mcp@latest"]
startup_timeout_sec = 20

[mcp_servers.context7.env]
CONTEXT7_LEVEL = "2"

[mcp_servers.figma]
url = "https://mcp.figma.com/mcp"
bearer_token_env_var = "FIGMA_OAUTH_TOKEN"
http_headers = { "X-Figma-Region" = "us-east-1" }
enabled = false
"""

GEMINI = """{
  "theme": "Default",
  "mcpServers": {
    "tools": { "httpUrl": "https://tools.example/mcp", "timeout": 5000, "trust": true },
    "stream": { "url": "https://tools.example/stream/sse" },
    "python": { "command": "cmd", "args": ["/c", "npx", "-y", "some-server@1.0.0"], "cwd": "~/work" }
  }
}
"""

ALL = {
    "claude-desktop": CLAUDE_DESKTOP,
    "claude-code": CLAUDE_CODE,
    "cursor": CURSOR,
    "vscode": VS_CODE,
    "codex": CODEX,
    "gemini": GEMINI,
}
