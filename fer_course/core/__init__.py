"""What every part stands on: errors, files, cached steps, parallel work, devices."""
