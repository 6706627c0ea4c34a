; Inno Setup 6: the installer of the desktop program. Its version comes from the command line:
;   iscc /DVersion=1.2.3 packaging\windows\gridbear.iss
; For one person, without an administrator: the program goes below their own folder, and so nothing asks for rights.
#ifndef Version
  #error Say the version: iscc /DVersion=1.2.3
#endif
#define Name "GridBear Desktop"
#define Program "gridbearw.exe"

[Setup]
; Never changed: an update finds the installed program by it.
AppId={{6C0F3C6B-3B6E-4B0E-9C8B-6D0E5D9B6A41}
AppName={#Name}
AppVersion={#Version}
AppPublisher={#Name}
VersionInfoVersion={#Version}
DefaultDirName={localappdata}\Programs\{#Name}
DefaultGroupName={#Name}
DisableProgramGroupPage=yes
PrivilegesRequired=lowest
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
MinVersion=10.0.17763
LicenseFile=..\..\LICENSE
SetupIconFile=..\icons\gridbear.ico
UninstallDisplayIcon={app}\{#Program}
OutputDir=..\..\dist
OutputBaseFilename=gridbear-desktop-{#Version}-windows-x86_64-setup
Compression=lzma2
SolidCompression=yes
WizardStyle=modern
; A running GridBear holds its files: Windows asks it to end, and it ends within seconds.
CloseApplications=yes
RestartApplications=no

[Tasks]
Name: "desktopicon"; Description: "{cm:CreateDesktopIcon}"; Flags: unchecked

[InstallDelete]
; Files of an older version must not stay among the new ones. Data is never here.
Type: filesandordirs; Name: "{app}\_internal"

[Files]
Source: "..\..\dist\gridbear-desktop\*"; DestDir: "{app}"; Flags: recursesubdirs createallsubdirs ignoreversion

[Icons]
Name: "{group}\{#Name}"; Filename: "{app}\{#Program}"
Name: "{userdesktop}\{#Name}"; Filename: "{app}\{#Program}"; Tasks: desktopicon

[Run]
Filename: "{app}\{#Program}"; Description: "{cm:LaunchProgram,{#Name}}"; Flags: nowait postinstall skipifsilent

[UninstallDelete]
Type: filesandordirs; Name: "{app}\_internal"
